"""Operations of charge points: the commands, how they are sent, followed and shown."""
