%% SPDX-License-Identifier: BSL-1.0
%% The Erlang side of erlang_interop.json.
-module(greeter).
-export([start/1, loop/1]).

%% Ends by the reason `done` when it is told to stop.
start(Greeting) ->
    loop(Greeting).

loop(Greeting) ->
    receive
        {'$gen_call', From, {greet, Name}} ->
            gen_server:reply(From, <<Greeting/binary, ", ", Name/binary>>),
            loop(Greeting);
        {'$gen_call', From, {count_at, Counter, By}} ->
            %% A call to a process in C++, as to any gen_server.
            gen_server:reply(From, {ok, gen_server:call(Counter, {increment, By})}),
            loop(Greeting);
        {hello, Who} ->
            Who ! {hello_from, node(), self()},
            loop(Greeting);
        stop ->
            exit(done)
    end.
