"""`python -m hypercube` is `hypercube`."""

from hypercube.cli import main

if __name__ == "__main__":
    main()
