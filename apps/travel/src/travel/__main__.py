"""`python -m travel`: serve, `migrate`, and the commands of commands.py."""

from servicekit.run import command_line

cli = command_line("travel", more="travel.commands")

if __name__ == "__main__":
    cli()
