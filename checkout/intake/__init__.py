"""What a consultant must know of a subject: ``forms.IntakeForm`` asks, ``answers`` stores, ``uploads`` keeps files."""
