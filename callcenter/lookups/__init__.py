"""What flows look up by name: database queries and web services, as the settings have them."""
