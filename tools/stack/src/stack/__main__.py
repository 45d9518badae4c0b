from stack import signals
from stack.cli import app

signals.interrupt()
app(prog_name="stack")
