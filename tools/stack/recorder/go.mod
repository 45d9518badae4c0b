module minsu/recorder

go 1.22
