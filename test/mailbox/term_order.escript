#!/usr/bin/env escript
%% SPDX-License-Identifier: BSL-1.0
%% Asks Erlang/OTP how it orders and compares terms, and writes term_order.inc beside this file: one term, as text, in
%% a raw string of C++. The same release writes the same file. Run it as `escript test/mailbox/term_order.escript`.
-mode(compile).

main(_) ->
    Release = erlang:system_info(otp_release),
    Chosen = chosen(),
    Terms = Chosen ++ made(200),
    Numbered = lists:zip(Terms, lists:seq(0, length(Terms) - 1)),
    %% lists:sort/1 is stable, but {1,0} and {1.0,1} must not be compared by their numbers.
    Sorted = lists:sort(fun({A, _}, {B, _}) -> A =< B end, Numbered),
    true = [T || {T, _} <- Sorted] =:= lists:sort(Terms),
    Rows = [list_to_binary([relation(A, B) || B <- Chosen]) || A <- Chosen],
    File = filename:join(filename:dirname(escript:script_name()), "term_order.inc"),
    {ok, Out} = file:open(File, [write, {encoding, utf8}]),
    io:format(Out, "// Written by term_order.escript with Erlang/OTP ~s. Do not edit.~nR\"otp(~n", [Release]),
    io:format(Out, "#{release => <<\"~s\">>,~n% The terms.~nterms => [~n", [Release]),
    lines(Out, [io_lib:format("~tw", [T]) || T <- Terms]),
    io:format(Out, "],~n% Their numbers, as lists:sort/1 sorts them.~nsorted => ~w,~n", [[N || {_, N} <- Sorted]]),
    io:format(Out, "% Each of the first ones beside each: is it =:=, only ==, < or >?~npairs => [~n", []),
    lines(Out, [io_lib:format("<<\"~s\">>", [R]) || R <- Rows]),
    io:format(Out, "]}.~n)otp\"~n", []),
    ok = file:close(Out).

lines(Out, [Last]) -> io:format(Out, "~ts~n", [Last]);
lines(Out, [Line | More]) -> io:format(Out, "~ts,~n", [Line]), lines(Out, More).

relation(A, B) when A =:= B -> $=;
relation(A, B) when A == B -> $~;
relation(A, B) when A < B -> $<;
relation(A, B) when A > B -> $>.

%% Where mistakes are likely. Pids, references and ports are those of a node without a name.
chosen() ->
    Two = 1 bsl 64,
    [0, 1, -1, 2, 255, 256, -256, 1 bsl 53, (1 bsl 53) + 1, (1 bsl 53) - 1, 1 bsl 59, (1 bsl 60) - 1, 1 bsl 60,
     -(1 bsl 60), (1 bsl 63) - 1, 1 bsl 63, -(1 bsl 63), -(1 bsl 63) - 1, Two - 1, Two, Two + 1, -Two, 1 bsl 1024,
     -(1 bsl 1024), (1 bsl 1023) + 1,
     0.0, -0.0, 1.0, -1.0, 2.0, 1.5, 0.1, -0.1, 5.0e-324, -5.0e-324, 9007199254740992.0, 9007199254740994.0,
     9223372036854775808.0, -9223372036854775808.0, 18446744073709551616.0, -18446744073709551616.0, 1.0e22,
     1.7976931348623157e308, -1.7976931348623157e308, math:pow(2, 1023),
     '', a, b, ab, 'A', aa, 'a b', nil, 'end', '\x{e9}', '\x{20ac}', '\x{1f600}', '\x{fffd}', true, undefined,
     list_to_ref("#Ref<0.1.2.3>"), list_to_ref("#Ref<0.1.2.4>"), list_to_ref("#Ref<0.1.1.5>"),
     list_to_ref("#Ref<0.3.1.1>"),
     fun a:b/1, fun a:b/2, fun a:c/0, fun b:a/0,
     list_to_port("#Port<0.3>"), list_to_port("#Port<0.40>"),
     list_to_pid("<0.5.0>"), list_to_pid("<0.6.0>"), list_to_pid("<0.4.1>"),
     {}, {1}, {1.0}, {2}, {a}, {1, 2}, {1.0, 2}, {1, 2.0}, {1, a}, {1.0, b}, {1.0, a}, {a, b, c}, {{}}, {{1}, 1},
     {{1.0}, 1},
     #{}, #{a => 1}, #{a => 1.0}, #{a => 2}, #{b => 0}, #{1 => a}, #{1.0 => a}, #{2 => a}, #{a => 1, b => 2},
     #{a => 1.0, b => 2}, #{1 => a, 1.0 => b}, #{1 => b, 1.0 => a}, #{{1} => a}, #{{1.0} => a}, #{#{1 => x} => a},
     #{#{1.0 => x} => a}, #{[1 | 2] => a}, #{a => #{1 => 1}}, #{a => #{1 => 1.0}},
     [], [1], [1.0], [2], [a], [1, 2], [1, 2, 3], [1.0, 2], [1 | 2], [1.0 | 2], [1 | a], [1, 2 | 3], [1 | <<>>],
     [1 | {}], [[]], [[1], 2], [[1.0], 2],
     <<>>, <<0>>, <<1>>, <<"a">>, <<"ab">>, <<"b">>, <<0:1>>, <<1:1>>, <<0:7>>, <<1:7>>, <<0, 1:1>>, <<255, 0:3>>,
     <<97:8, 1:2>>, <<"\x{20ac}"/utf8>>].

%% Terms at random, always the same ones.
made(Count) ->
    rand:seed(exsss, {4, 5, 6}),
    [any(3) || _ <- lists:seq(1, Count)].

any(Depth) ->
    case rand:uniform(case Depth of 0 -> 7; _ -> 12 end) of
        1 -> rand:uniform(4) - 2;
        2 -> (rand:uniform(4) - 2) * 1.0;
        3 -> (rand:uniform(3) - 2) * (1 bsl (50 + rand:uniform(30))) + rand:uniform(3) - 2;
        4 -> (rand:uniform(3) - 2) * math:pow(2, 50 + rand:uniform(30));
        5 -> lists:nth(rand:uniform(4), [a, b, ab, '\x{e9}']);
        6 -> list_to_binary([rand:uniform(2) || _ <- some(3)]);
        7 -> << <<(rand:uniform(2) - 1):1>> || _ <- some(10) >>;
        8 -> list_to_tuple([any(Depth - 1) || _ <- some(3)]);
        9 -> [any(Depth - 1) || _ <- some(3)];
        10 -> [any(Depth - 1) | any(Depth - 1)];
        _ -> maps:from_list([{any(Depth - 1), any(Depth - 1)} || _ <- some(3)])
    end.

some(Most) -> lists:seq(1, rand:uniform(Most + 1) - 1).
