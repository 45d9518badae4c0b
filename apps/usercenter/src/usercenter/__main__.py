"""`python -m usercenter`: serve, `migrate`, and the commands of commands.py."""

from servicekit.run import command_line

cli = command_line("usercenter", more="usercenter.commands")

if __name__ == "__main__":
    cli()
