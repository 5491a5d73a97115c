"""All that touches the terminal or Textual's private names, each with a test that fails when Textual changes it."""
