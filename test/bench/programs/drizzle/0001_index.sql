CREATE INDEX `entries_balance` ON `entries` (`balance`);
