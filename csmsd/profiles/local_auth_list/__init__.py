"""Local Authorization List (C 3.5.2, 5.10, 5.15): the idTags that charge points know by themselves."""
