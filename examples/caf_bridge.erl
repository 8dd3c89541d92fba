#!/usr/bin/env escript
%%! -noinput -setcookie none
%% SPDX-License-Identifier: BSL-1.0
%% The Erlang half of caf_bridge.cpp, which starts it.

main(_) ->
    Get = fun(Name) -> list_to_atom(os:getenv(Name)) end,
    {ok, _} = net_kernel:start([Get("TROUPE_PEER_NAME"), longnames]),
    erlang:set_cookie(Get("TROUPE_PEER_COOKIE")),
    Cpp = Get("TROUPE_PEER_PARENT"),
    monitor_node(Cpp, true),  % it connects
    42 = gen_server:call({calculator, Cpp}, {add, 40, 2}),
    io:format("Erlang: CAF's calculator says that 40 + 2 is 42~n"),
    7 = gen_server:call({ledger, Cpp}, {deposit, <<"bob">>, 7}),
    io:format("Erlang: bob has 7~n").
