%% SPDX-License-Identifier: BSL-1.0
%% The rows of behaviours_bench on Erlang/OTP, compiled; main([Row, Size]) prints one figure.
-module(behaviours_bench).
-export([main/1, init/1, handle_call/3, handle_cast/2, start_child/0, loop/0]).

main([Row, Size]) ->
    logger:set_primary_config(level, none),  % no reports of what is killed
    io:format("~w~n", [run(Row, list_to_integer(Size))]).

%% ns for a call.
run("call", N) ->
    {ok, S} = gen_server:start(?MODULE, counter, []),
    T = timed(fun() -> calls(S, N) end),
    T / N;
%% Restarts a second: each child is killed once.
run("restarts", N) ->
    process_flag(trap_exit, true),
    {ok, Sup} = supervisor:start_link(?MODULE, {sup, N}),
    T = timed(fun() -> kills(Sup, N) end),
    N * 1.0e9 / T;
%% us to start a child of a simple_one_for_one supervisor.
run("children", N) ->
    process_flag(trap_exit, true),
    {ok, Sup} = supervisor:start_link(?MODULE, simple),
    T = timed(fun() -> [{ok, _} = supervisor:start_child(Sup, []) || _ <- lists:seq(1, N)] end),
    T / N / 1000.

timed(F) ->
    A = erlang:monotonic_time(nanosecond),
    F(),
    erlang:monotonic_time(nanosecond) - A.

calls(_, 0) -> ok;
calls(S, N) ->
    _ = gen_server:call(S, {increment, 1}),
    calls(S, N - 1).

kills(_, 0) -> ok;
kills(Sup, N) ->
    [{_, P, _, _}] = supervisor:which_children(Sup),
    case is_pid(P) of
        true ->
            M = monitor(process, P),
            exit(P, kill),
            receive {'DOWN', M, _, _, _} -> ok end,
            kills(Sup, N - 1);
        false ->
            kills(Sup, N)
    end.

init(counter) -> {ok, 0};
init({sup, N}) ->
    {ok, {{one_for_one, N + 1, 3600},
          [{child, {?MODULE, start_child, []}, permanent, 5000, worker, [?MODULE]}]}};
init(simple) ->
    {ok, {{simple_one_for_one, 1, 5},
          [{child, {?MODULE, start_child, []}, temporary, 5000, worker, [?MODULE]}]}}.

handle_call({increment, N}, _, S) -> {reply, S + N, S + N}.
handle_cast(_, S) -> {noreply, S}.

start_child() -> gen_server:start_link(?MODULE, counter, []).
loop() -> receive stop -> ok end.
