module minsu.example/bench/sink

go 1.22
