"""`python -m minsu` is `minsu`."""

from minsu.cli import main

if __name__ == "__main__":
    main()
