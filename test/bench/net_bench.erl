%% SPDX-License-Identifier: BSL-1.0
%% The rows of net_bench.cpp, as an Erlang programmer would write them.
-module(net_bench).
-behaviour(gen_server).
-export([server/0, client/2, init/1, handle_call/3, handle_cast/2, handle_info/2]).

%% Two servers: one that answers messages and counts them, one that answers calls.
server() ->
    register(echo, spawn(fun() -> echo(0) end)),
    {ok, _} = gen_server:start({local, server}, ?MODULE, [], []),
    io:format("ready~n"),
    io:get_line("").

echo(N) ->
    receive
        {ball, From, Left} -> From ! {ball, self(), Left}, echo(N);
        {item, _} -> echo(N + 1);
        {drain, From} -> From ! {drained, N}, echo(0)
    end.

init([]) -> {ok, 0}.
handle_call({ask, N}, _From, State) -> {reply, N, State}.
handle_cast(_, State) -> {noreply, State}.
handle_info(_, State) -> {noreply, State}.

%% Row and how often: the figure on one line.
client(Node, [Row, Count]) ->
    pong = net_adm:ping(Node),
    N = list_to_integer(Count),
    Start = erlang:monotonic_time(nanosecond),
    case Row of
        "round_trip" -> round_trips({echo, Node}, N);
        "one_way" -> one_way({echo, Node}, N, <<"0123456789abcdef">>);
        "binaries" -> one_way({echo, Node}, N, binary:copy(<<7>>, 1048576));
        "calls" -> calls({server, Node}, N)
    end,
    io:format("~p~n", [erlang:monotonic_time(nanosecond) - Start]).

round_trips(_, 0) -> ok;
round_trips(To, N) ->
    To ! {ball, self(), N},
    receive {ball, _, N} -> ok end,
    round_trips(To, N - 1).

one_way(To, N, What) ->
    Message = {item, What},
    lists:foreach(fun(_) -> To ! Message end, lists:seq(1, N)),
    To ! {drain, self()},
    receive {drained, N} -> ok end.

calls(_, 0) -> ok;
calls(To, N) -> N = gen_server:call(To, {ask, N}), calls(To, N - 1).
