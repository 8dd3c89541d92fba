#!/usr/bin/env escript
%%! -noinput -setcookie none
%% SPDX-License-Identifier: BSL-1.0
%% The Erlang half of native_worker.cpp, which starts it: a supervisor, its child that keeps the C++ node, and jobs.
-module(native_worker).
-mode(compile).
-behaviour(supervisor).
-export([init/1, start_keeper/2, keeper/3]).

main([Program]) ->
    Get = fun(Name) -> list_to_atom(os:getenv(Name)) end,
    {ok, _} = net_kernel:start([Get("TROUPE_PEER_NAME"), longnames]),
    erlang:set_cookie(Get("TROUPE_PEER_COOKIE")),
    logger:set_primary_config(level, none),  % what happens is told here
    Cpp = Get("TROUPE_PEER_PARENT"),
    monitor_node(Cpp, true),
    spawn_link(fun() -> monitor_node(Cpp, true), receive {nodedown, Cpp} -> halt(1) end end),

    {ok, _} = supervisor:start_link(?MODULE, [Program, 'worker@127.0.0.1']),
    Jobs = [{{primes, 0, 1000000}, 78498},
            {{dot, [1.0, 2.0, 3.0], [4.0, 5.0, 6.0]}, 32.0},
            {crash, failed},
            {{primes, 1000000, 1100000}, 7216},
            {{dot, [0.5], [0.5]}, 0.25}],
    Wrong = [Job || {Job, Expected} <- Jobs, run(Job, 2) =/= Expected],
    io:format("Erlang: all jobs are done; this node has been up all the time (~p ms)~n",
              [element(1, erlang:statistics(wall_clock))]),
    halt(length(Wrong)).

%% A job that has brought the worker down twice is not tried again.
run(Job, 0) ->
    io:format("Erlang: ~0p is given up~n", [Job]),
    failed;
run(Job, Tries) ->
    {Node, Keeper} = gen_call(native_keeper, which_node),
    try gen_server:call({worker, Node}, Job, infinity) of
        Result ->
            io:format("Erlang: ~0p gives ~p~n", [Job, Result]),
            Result
    catch
        exit:{Reason, _} ->
            io:format("Erlang: ~0p has failed: ~0p~n", [Job, Reason]),
            Ref = monitor(process, Keeper),  % which ends with the node that it keeps
            receive {'DOWN', Ref, process, Keeper, _} -> ok after 5000 -> ok end,
            run(Job, Tries - 1)
    end.

%% Waits until the keeper is there (again), and its node is up.
gen_call(Name, Question) ->
    try gen_server:call(Name, Question, infinity)
    catch exit:_ -> timer:sleep(10), gen_call(Name, Question)
    end.

%% --- the supervisor --------------------------------------------------------------------------------------------------

init(Arguments) ->
    {ok, {#{strategy => one_for_one, intensity => 5, period => 10},
          [#{id => keeper, start => {?MODULE, start_keeper, Arguments}}]}}.

start_keeper(Program, Node) ->
    proc_lib:start_link(?MODULE, keeper, [self(), Program, Node]).

%% Starts the C++ node, and ends when that does: the supervisor starts another one then.
keeper(Parent, Program, Node) ->
    register(native_keeper, self()),
    ok = net_kernel:monitor_nodes(true),
    Port = open_port({spawn_executable, Program},
                     [exit_status, binary,
                      {env, [{"TROUPE_PEER_NAME", atom_to_list(Node)}, {"TROUPE_PEER_PARENT", atom_to_list(node())}]}]),
    receive
        {nodeup, Node} -> ok;
        {Port, {exit_status, Early}} -> exit({no_worker, Early})
    after 15000 -> exit(no_worker)
    end,
    {os_pid, Number} = erlang:port_info(Port, os_pid),
    io:format("Supervisor: the worker is up: ~p, OS process ~p~n", [Node, Number]),
    proc_lib:init_ack(Parent, {ok, self()}),
    serve(Port, Node).

serve(Port, Node) ->
    receive
        {'$gen_call', From, which_node} ->
            gen_server:reply(From, {Node, self()}),
            serve(Port, Node);
        {Port, {data, Text}} ->
            io:format("~s", [Text]),
            serve(Port, Node);
        {Port, {exit_status, Status}} ->
            io:format("Supervisor: the worker has ended with ~p~s~n",
                      [Status, case Status of 139 -> " (a segmentation fault)"; _ -> "" end]),
            exit({worker_ended, Status});
        {nodedown, Node} ->
            io:format("Supervisor: nodedown: ~p~n", [Node]),
            serve(Port, Node);
        _ ->
            serve(Port, Node)
    end.
