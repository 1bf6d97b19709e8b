/** A promise of Narwhal that a run can break. */
export type PromiseName =
  | 'lost'
  | 'duplicated'
  | 'attempt-ends'
  | 'attempt-numbers'
  | 'fences'
  | 'overlap'
  | 'transitions'
  | 'revivals'
  | 'stuck'
  | 'outcomes'
  | 'logs'
  | 'leftovers'
  | 'crashes'

/** One case of it, in words. */
export interface Breach {
  readonly promise: PromiseName
  readonly what: string
}
