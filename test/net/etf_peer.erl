%% SPDX-License-Identifier: BSL-1.0
%% The Erlang side of etf_otp.cpp: answers requests that come as terms on its standard input.
-module(etf_peer).
-export([main/0]).

main() ->
    Port = open_port({fd, 0, 1}, [binary, {packet, 4}, eof]),
    rand:seed(exsss, {1, 2, 3}),
    loop(Port).

loop(Port) ->
    receive
        {Port, {data, Bytes}} ->
            Answer = try answer(binary_to_term(Bytes))
                     catch Class:Reason:Stack -> {failed, Class, Reason, Stack}
                     end,
            port_command(Port, term_to_binary(Answer, [{minor_version, 2}])),
            loop(Port);
        {Port, eof} ->
            halt()
    end.

answer(version) ->
    list_to_integer(erlang:system_info(otp_release));
answer({echo, Bins, Options}) ->
    [term_to_binary(binary_to_term(B), Options) || B <- Bins];
answer({print, Bins}) ->
    [print(binary_to_term(B)) || B <- Bins];
answer({compare, Pairs}) ->
    [compare(binary_to_term(A), binary_to_term(B)) || {A, B} <- Pairs];
answer({accepts, Bins}) ->
    [try binary_to_term(B) of _ -> true catch error:badarg -> false end || B <- Bins];
answer({random, N}) ->
    Terms = [term(4) || _ <- lists:seq(1, N)],
    put(terms, Terms),
    [{[term_to_binary(T),
       term_to_binary(T, [{minor_version, 0}]),
       term_to_binary(T, [{minor_version, 1}]),
       term_to_binary(T, [{minor_version, 2}]),
       term_to_binary(T, [compressed, {minor_version, 2}])],
      print(T)} || T <- Terms];
answer({are_those, Bins}) ->
    lists:zipwith(fun(T, B) -> binary_to_term(B) =:= T end, get(terms), Bins).

compare(A, B) when A =:= B -> 0;
compare(A, B) when A == B -> equal;
compare(A, B) when A < B -> -1;
compare(_, _) -> 1.

%% What io:format prints, unless it has lists that it takes for texts, or maps in an order of its own.
print(T) ->
    case is_plain(T) of
        true -> unicode:characters_to_binary(io_lib:format("~0tp", [T]));
        false -> skipped
    end.

is_plain([]) -> true;
is_plain([H | T] = L) -> not is_text(L) andalso is_plain(H) andalso is_plain_tail(T);
is_plain(T) when is_tuple(T) -> lists:all(fun is_plain/1, tuple_to_list(T));
is_plain(M) when is_map(M) ->
    (map_size(M) < 2 orelse (map_size(M) =< 32 andalso answer(version) < 26))
        andalso lists:all(fun({K, V}) -> is_plain(K) andalso is_plain(V) end, maps:to_list(M));
is_plain(P) when is_pid(P); is_reference(P); is_port(P) -> false;
is_plain(F) when is_function(F) ->  % names beyond ASCII are garbled by OTP 25
    {type, Type} = erlang:fun_info(F, type),
    {module, M} = erlang:fun_info(F, module),
    {name, N} = erlang:fun_info(F, name),
    Type =:= external andalso lists:all(fun(C) -> C < 128 end, atom_to_list(M) ++ atom_to_list(N));
is_plain(_) -> true.

is_plain_tail([H | T]) -> is_plain(H) andalso is_plain_tail(T);
is_plain_tail(T) -> is_plain(T).

is_text(L) -> try length(L) of _ -> io_lib:printable_unicode_list(L) catch error:badarg -> false end.

term(Depth) ->
    Kinds = if Depth > 0 -> 20; true -> 13 end,
    case rand:uniform(Kinds) of
        1 -> rand:uniform(20) - 10;
        2 -> rand:uniform(1 bsl 33) - (1 bsl 32);
        3 -> (rand:uniform(1 bsl 70) - (1 bsl 69)) bsr rand:uniform(64);
        4 -> pick([1, -1]) * (rand:uniform(1 bsl 64) bsl (rand:uniform(3000) * rand:uniform(2)));
        5 -> (rand:uniform() - 0.5) * math:pow(10, rand:uniform(60) - 30);
        6 -> float(rand:uniform(2000) - 1000);
        7 -> pick([ok, '', true, 'Hello World', 'h\x{e9}', '\x{20ac}\x{1F600}', a, 'fun', '\\\'']);
        8 -> binary(rand:uniform(20) - 1);
        9 -> N = rand:uniform(40), <<X:N/bitstring, _/bitstring>> = binary(5), X;
        10 -> self();
        11 -> make_ref();
        12 -> pick([fun lists:map/2, fun 'A b':'C d'/255, hd(erlang:ports())]);
        13 -> [];
        14 -> several(Depth);
        15 -> [rand:uniform(256) - 1 || _ <- lists:seq(1, rand:uniform(10))];
        16 -> list_to_tuple(several(Depth));
        17 -> several(Depth) ++ term(0);
        18 -> maps:from_list([{term(Depth - 2), term(Depth - 1)} || _ <- lists:seq(1, rand:uniform(4))]);
        19 -> maps:from_list([{pick([I, float(I), {I}, [I], <<I>>]), term(0)} || I <- lists:seq(1, 20 + rand:uniform(30))]);
        20 -> X = term(Depth - 1), Y = term(0), fun(Z) -> {X, Y, Z} end
    end.

several(Depth) ->
    [term(Depth - 1) || _ <- lists:seq(1, rand:uniform(5) - 1)].

pick(All) ->
    lists:nth(rand:uniform(length(All)), All).

binary(N) ->
    list_to_binary([pick([$a, $b, rand:uniform(256) - 1]) || _ <- lists:seq(1, N)]).
