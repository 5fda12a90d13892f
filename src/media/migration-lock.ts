/** Held by whoever moves files between the disks, or removes one of two copies: the migration, the rollback and the prune. Never two of them at once. */
export const MIGRATION_LOCK = 'media migrate-to-wasabi'
