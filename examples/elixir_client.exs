# SPDX-License-Identifier: BSL-1.0
# The Elixir half of elixir_client.cpp, which starts it.

variable = fn name -> String.to_atom(System.fetch_env!(name)) end
{:ok, _} = Node.start(variable.("TROUPE_PEER_NAME"), :longnames)
Node.set_cookie(variable.("TROUPE_PEER_COOKIE"))
Process.register(self(), :main)
cpp = variable.("TROUPE_PEER_PARENT")
true = Node.connect(cpp)
Node.monitor(cpp, true)

3 = GenServer.call({:counter, cpp}, {:increment, 3})
42 = GenServer.call({:counter, cpp}, {:increment, 39})
IO.puts("Elixir: the counter is at #{GenServer.call({:counter, cpp}, :get)}")

pid = Node.spawn(cpp, :troupe, :greeter, [self(), "Elixir"])

receive do
  {:greeting, text, ^pid} -> IO.puts("Elixir: #{inspect(pid)} on #{node(pid)} says: #{text}")
end

ref = Process.monitor({:counter, cpp})
Process.demonitor(ref, [:flush])

histogram = :rpc.call(cpp, :native, :histogram, ["hello"])
IO.puts("Elixir: native.histogram gives #{inspect(histogram)}")
%{"l" => 2} = histogram

{:badrpc, {:EXIT, {:undef, _}}} = :rpc.call(cpp, :os, :cmd, ['rm -rf /'])
IO.puts("Elixir: what is not exported is undefined")

receive do
  :done -> IO.puts("Elixir: bye")
  {:nodedown, ^cpp} -> System.halt(1)
end
