from stack.cli import app

app(prog_name="stack")
