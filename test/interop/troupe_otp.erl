%% SPDX-License-Identifier: BSL-1.0
%% The Erlang side of the interop tests: evaluates what the test asks it to, and processes that tests need there.
-module(troupe_otp).
-behaviour(gen_server).
-export([main/0]).
-export([agent/0, in/2, next/1, inbox/1, until/1, outcome/1]).
-export([start_server/1, start_on/1, init/1, handle_call/3, handle_cast/2, handle_info/2]).
-export([handle_event/2, handle_call/2]).
-export([instant_spawns/3, send_numbers/3, receive_numbers/2, link_storm/3, blob/1, is_blob/2,
         wait_for_kill/1, send_mixed/3, receive_mixed/2]).

%% --- what the test's own control channel asks --------------------------------------------------------------------

main() ->
    spawn(fun() -> loop(open_port({fd, 3, 3}, [binary, {packet, 4}, eof])) end).

loop(Port) ->
    receive
        {Port, {data, Bytes}} ->
            {Id, Language, Source, Bindings, Milliseconds} = binary_to_term(Bytes),
            spawn(fun() ->
                Answer = answer(Language, Source, Bindings, Milliseconds),
                port_command(Port, term_to_binary({Id, Answer}, [{minor_version, 2}]))
            end),
            loop(Port);
        {Port, eof} ->
            erlang:halt(0, [{flush, false}])
    end.

answer(Language, Source, Bindings, Milliseconds) ->
    {Pid, Monitor} = spawn_monitor(fun() -> exit({evaluated, outcome(fun() -> value(Language, Source, Bindings) end)}) end),
    receive
        {'DOWN', Monitor, process, Pid, {evaluated, Outcome}} -> Outcome;
        {'DOWN', Monitor, process, Pid, Reason} -> {ended, Reason}
    after Milliseconds ->
        Where = erlang:process_info(Pid, [current_stacktrace, messages]),
        exit(Pid, kill),
        {timeout, Where}
    end.

value(erlang, Source, Bindings) ->
    {ok, Tokens, _} = erl_scan:string(unicode:characters_to_list(<<Source/binary, ".">>)),
    {ok, Expressions} = erl_parse:parse_exprs(Tokens),
    {value, Value, _} = erl_eval:exprs(Expressions, [{binary_to_atom(Name), V} || {Name, V} <- Bindings]),
    Value;
value(elixir, Source, Bindings) ->
    {ok, _} = application:ensure_all_started(elixir),
    {Value, _} = 'Elixir.Code':eval_string(Source, [{binary_to_atom(Name), V} || {Name, V} <- Bindings]),
    Value.

%% How a fun ends: {value, V} | {error | exit | throw, Reason}.
outcome(Fun) ->
    try Fun() of
        Value -> {value, Value}
    catch
        Class:Reason -> {Class, Reason}
    end.

%% Waits until Fun() gives true; a second clause of any event that cannot be waited for.
until(Fun) -> until(Fun, 2000).
until(_, 0) -> false;
until(Fun, N) ->
    case Fun() of
        true -> true;
        _ -> receive after 5 -> until(Fun, N - 1) end
    end.

%% --- a process that does what it is told ---------------------------------------------------------------------------

agent() -> spawn(fun agent_loop/0).

agent_loop() ->
    receive
        {'$do', From, Tag, Fun} ->
            From ! {Tag, outcome(Fun)},
            agent_loop()
    end.

in(Agent, Fun) ->
    Monitor = monitor(process, Agent),
    Agent ! {'$do', self(), Monitor, Fun},
    receive
        {Monitor, {value, Value}} -> demonitor(Monitor, [flush]), Value;
        {Monitor, Other} -> demonitor(Monitor, [flush]), exit(Other);
        {'DOWN', Monitor, _, _, Reason} -> {down, Reason}
    end.

%% The next message that it has got.
next(Agent) -> in(Agent, fun() -> receive M -> M after 10000 -> none end end).

inbox(Agent) ->
    {messages, M} = process_info(Agent, messages),
    M.

%% --- a gen_server ------------------------------------------------------------------------------------------------------

start_server(Name) ->
    {ok, Pid} = gen_server:start({local, Name}, ?MODULE, [], []),
    Pid.

init([]) -> {ok, []};
%% A supervisor whose child lives on that node.
init({supervise, Node}) ->
    {ok, {{one_for_one, 5, 10}, [{child, {?MODULE, start_on, [Node]}, permanent, 5000, worker, dynamic}]}}.

start_on(Node) ->
    {ok, P} = erpc:call(Node, counters, start, []),
    link(P),
    {ok, P}.

handle_call({add, A, B}, _, S) -> {reply, A + B, S};
handle_call({echo, X}, _, S) -> {reply, X, S};
handle_call(self, _, S) -> {reply, self(), S};
handle_call(history, _, S) -> {reply, lists:reverse(S), S};
handle_call(clear, _, _) -> {reply, ok, []};
handle_call({stop, Reason}, _, S) -> {stop, Reason, S};
handle_call(silence, _, S) -> {noreply, S};
handle_call({late, Pid}, From, S) ->
    %% Answers when Pid says so.
    spawn(fun() -> Pid ! {waiting, self()}, receive go -> gen_server:reply(From, late) end end),
    {noreply, S};
handle_call(Other, _, S) -> {reply, {unknown, Other}, S}.

handle_cast(M, S) -> {noreply, [{cast, M} | S]}.
handle_info(M, S) -> {noreply, [{info, M} | S]}.

%% The same module as a handler of gen_event's.
handle_event(crash, _) -> error(as_told);
handle_event(E, S) -> {ok, [E | S]}.

handle_call(history, S) -> {ok, lists:reverse(S), S};
handle_call({add, A, B}, S) -> {ok, A + B, S};
handle_call(crash, _) -> error(as_asked).

%% --- work that erl_eval would be slow at --------------------------------------------------------------------------------

%% Spawns that end at once: each must be answered with a pid, and then a DOWN with the reason. Gives how many did so.
instant_spawns(Node, {M, F, A}, N) ->
    length([ok || I <- lists:seq(1, N),
                  begin
                      {P, R} = spawn_monitor(Node, M, F, A ++ [I]),
                      receive {'DOWN', R, process, P, I} -> true after 5000 -> exit({no_down, I}) end
                  end]).

send_numbers(To, From, N) -> lists:foreach(fun(I) -> To ! {number, I} end, lists:seq(From, From + N - 1)).

%% The numbers in order; gives ok or what came instead.
receive_numbers(From, N) -> receive_numbers_(From, From + N).
receive_numbers_(N, N) -> ok;
receive_numbers_(I, N) ->
    receive
        {number, I} -> receive_numbers_(I + 1, N);
        Other -> {instead_of, I, Other}
    after 10000 -> {missing, I}
    end.

%% The same with a large one among a thousand.
send_mixed(To, From, N) ->
    Large = binary:copy(<<"x">>, 100000),
    lists:foreach(fun(I) when I rem 1000 =:= 0 -> To ! {number, I, Large};
                     (I) -> To ! {number, I}
                  end, lists:seq(From, From + N - 1)).

receive_mixed(N, N) -> ok;
receive_mixed(I, N) ->
    receive
        {number, I} -> receive_mixed(I + 1, N);
        {number, I, Text} when is_binary(Text) -> receive_mixed(I + 1, N);
        Other -> {instead_of, I, Other}
    after 10000 -> {missing, I}
    end.

%% Links and unlinks Pid N times, and then links it (or not).
link_storm(Pid, N, Last) ->
    lists:foreach(fun(_) -> link(Pid), unlink(Pid) end, lists:seq(1, N)),
    Last andalso link(Pid),
    ok.

%% N bytes that can be checked: they repeat after 99,991, a number that divides no size of a buffer.
blob(N) ->
    Period = << <<(I * 31 + I div 251)>> || I <- lists:seq(0, 99990) >>,
    binary:part(binary:copy(Period, N div 99991 + 1), 0, N).

is_blob(B, N) -> B =:= blob(N).

wait_for_kill(Killer) ->
    Killer ! self(),
    receive never -> ok end.
