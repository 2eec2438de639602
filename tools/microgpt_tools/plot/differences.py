"""In which keys the configs of several runs differ, and in which they agree."""


def differing_keys(configs):
    """The keys whose values are not the same in all configs, in the order in which configs have them."""
    return [key for key in all_keys(configs) if len({repr(config.get(key)) for config in configs}) > 1]


def common_keys(configs):
    differing = set(differing_keys(configs))
    return [key for key in all_keys(configs) if key not in differing]


def all_keys(configs):
    # Keys of YAML need not be text.
    return list(dict.fromkeys(key for config in configs for key in config))


def value_text(config, key):
    """A value as config.cfg has it; empty where the config lacks the key or its value."""
    value = config.get(key)
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
