/** A table, its columns and its indexes by name, each as its database has it, in one line that is the same for what is the same. */
export interface TableDescription {
  /** What is said of the table as a whole: engine and collation, or that it is `without rowid`. */
  readonly table: string
  /** `column title`, `index posts_order`, `primary key`. The order of columns makes no difference. */
  readonly parts: ReadonlyMap<string, string>
}

/** By table; what else there is in a database, as views and triggers, is there as a table without parts. */
export type SchemaDescription = ReadonlyMap<string, TableDescription>
