%% SPDX-License-Identifier: BSL-1.0
%% The rows of behaviours_bench on Erlang/OTP, compiled; main([Row, Size]) prints one figure.
-module(behaviours_bench).
-export([main/1, init/1, handle_call/3, handle_cast/2, start_child/1]).

main([Row, Size]) ->
    logger:set_primary_config(level, none),  % no reports of what is killed
    io:format("~w~n", [run(Row, list_to_integer(Size))]).

%% ns for a call.
run("calls", N) ->
    {ok, S} = gen_server:start(?MODULE, server, []),
    timed(fun() -> calls(S, N) end) / N;
%% Thousands of restarts a second: the child tells of its start, and ends when it is told to.
run("restarts", N) ->
    process_flag(trap_exit, true),
    {ok, _} = supervisor:start_link(?MODULE, {restarts, self(), N}),
    First = told(),
    N * 1.0e6 / timed(fun() -> restarts(First, N) end);
%% ms to start so many children of a simple_one_for_one supervisor, and to end them.
run("start", N) ->
    {_, T} = many(N),
    T / 1.0e6;
run("shutdown", N) ->
    process_flag(trap_exit, true),
    {Sup, _} = many(N),
    timed(fun() -> gen_server:stop(Sup, shutdown, infinity) end) / 1.0e6.

timed(F) ->
    A = erlang:monotonic_time(nanosecond),
    F(),
    erlang:monotonic_time(nanosecond) - A.

calls(_, 0) -> ok;
calls(S, N) ->
    _ = gen_server:call(S, value),
    calls(S, N - 1).

told() -> receive {told, P} -> P end.

restarts(_, 0) -> ok;
restarts(P, N) ->
    gen_server:cast(P, stop),
    restarts(told(), N - 1).

many(N) ->
    {ok, Sup} = supervisor:start_link(?MODULE, simple),
    {Sup, timed(fun() -> [{ok, _} = supervisor:start_child(Sup, []) || _ <- lists:seq(1, N)] end)}.

init(server) -> {ok, 1};
init({told, Watcher}) ->
    Watcher ! {told, self()},
    {ok, 1};
init({restarts, Watcher, N}) ->
    {ok, {{one_for_one, N + 1, 1},  % it looks through the list of restarts at each one: few, and a short period
          [{child, {?MODULE, start_child, [{told, Watcher}]}, permanent, 5000, worker, [?MODULE]}]}};
init(simple) ->
    {ok, {{simple_one_for_one, 1, 5},
          [{child, {?MODULE, start_child, [server]}, temporary, 5000, worker, [?MODULE]}]}}.

handle_call(value, _, S) -> {reply, S, S}.
handle_cast(stop, S) -> {stop, crash, S}.

start_child(Argument) -> gen_server:start_link(?MODULE, Argument, []).
