"""Options of the whole suite."""


def pytest_addoption(parser):
    parser.addoption("--without-wordnet", action="store_true", help="run as on a machine that has no WordNet")


def pytest_configure(config):
    if config.getoption("--without-wordnet"):
        import nltk

        nltk.data.path.clear()
