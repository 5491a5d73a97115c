"""The app: screens, dialogs and widgets, and the services that they use."""
