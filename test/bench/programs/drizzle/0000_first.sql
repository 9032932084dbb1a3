CREATE TABLE `accounts` (
	`id` integer PRIMARY KEY NOT NULL,
	`balance` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `entries` (
	`id` integer PRIMARY KEY NOT NULL,
	`balance` integer NOT NULL
);
