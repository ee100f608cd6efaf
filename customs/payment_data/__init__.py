"""Payment data on demand: customs asks by order (`platDataOpen`), the platform uploads (`realTimeDataUpload`)."""
