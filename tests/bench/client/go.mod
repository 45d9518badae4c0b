module minsu.example/bench/client

go 1.22
