"""Small models that ship with the package: their files, how they are loaded, and (in ``training``) how they are
made."""
