/**
 * What a forge reports about a pull request besides its commits. An absent field is unknown, which is not
 * the same as none: polling sees refs only, and forges differ in what they report.
 */
export interface RequestFacts {
  /** The names of its labels; hostile text, like the milestone. */
  readonly labels?: readonly string[]
  readonly draft?: boolean
  /** The milestone's title; empty: it has none. */
  readonly milestone?: string
  /** Of one that was closed. */
  readonly merged?: boolean
  /** The labels that this event added or removed, by name. */
  readonly addedLabels?: readonly string[]
  readonly removedLabels?: readonly string[]
  /** The target branch before, if this event changed it. */
  readonly formerBranch?: string
}

/** Longer than any forge's limit. */
export const LONGEST_LABEL = 300
/** With more labels they count as unknown: GitHub allows 100. */
export const MOST_LABELS = 200
