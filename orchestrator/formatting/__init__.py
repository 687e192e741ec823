"""How values are written for people: on screens, in terminals and in spreadsheets."""
