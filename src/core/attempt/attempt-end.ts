/** How the conversation about an attempt ended. */
export type AttemptEnd =
  | { readonly kind: 'reported' }
  /** The runner rejected it; no step has run there, and none will. */
  | { readonly kind: 'refused'; readonly reason: string }
  /** The runner's lease expired, or it reported that it doesn't have the attempt. */
  | { readonly kind: 'lost'; readonly reason: string }
  /** The runner missed the deadline. */
  | { readonly kind: 'overdue'; readonly reason: string }
  /** The dispatcher stops, or lost the pipeline to another; the attempt continues. */
  | { readonly kind: 'stopped' }
