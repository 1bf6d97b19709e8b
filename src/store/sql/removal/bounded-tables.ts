/** Rows of bounded tables, and of what was removed; as in tables.ts. */

export interface UsedNumberRow {
  name_key: string
  last_number: number
}

export interface RemovedItemRow {
  /** Of a pipeline or a job. */
  id: string
  at: number
  rule: string
}

export interface RetentionRow {
  id: number
  /** Nothing is removed before then. */
  begins_at: number
}

export interface LogChunkRow {
  job_id: string
  attempt: number
  first_line: number
  line_count: number
  /** As sql/log-chunk.ts encodes it. */
  data: Uint8Array
}

/** One row: the number of the newest state change. */
export interface ChangeCounterRow {
  id: number
  last: number
}
