#!/usr/bin/env escript
%%! -noinput -setcookie none
%% SPDX-License-Identifier: BSL-1.0
%% The Erlang half of erlang_counter.cpp, which starts it.

main(_) ->
    Get = fun(Name) -> list_to_atom(os:getenv(Name)) end,
    {ok, _} = net_kernel:start([Get("TROUPE_PEER_NAME"), longnames]),
    erlang:set_cookie(Get("TROUPE_PEER_COOKIE")),
    Cpp = Get("TROUPE_PEER_PARENT"),
    monitor_node(Cpp, true),  % it connects

    Counter = {counter, Cpp},
    3 = gen_server:call(Counter, {increment, 3}),
    42 = gen_server:call(Counter, {increment, 39}),
    io:format("Erlang: the counter is at ~p~n", [gen_server:call(Counter, get)]),

    {'EXIT', {Reason, _}} = (catch gen_server:call({nobody, Cpp}, get)),
    io:format("Erlang: a call to nobody ends with ~p~n", [Reason]),

    {conversation, Cpp} ! {hello, self()},
    serve(Cpp).

serve(Cpp) ->
    receive
        {'$gen_call', From, {double_it, N}} ->
            gen_server:reply(From, 2 * N),
            serve(Cpp);
        stop ->
            io:format("Erlang: bye~n");
        {nodedown, Cpp} ->
            halt(1)
    end.
