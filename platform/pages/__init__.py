"""What all HTML pages share: layout, navigation, design tokens."""
