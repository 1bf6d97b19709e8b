import type { LayerFacts, LayerJob } from '../layer/unpack-layer.ts'
import type { TopFacts, TopOrder } from '../top/top-of-layers.ts'

/** What a thread is asked to do; `abort` ends an order that it is busy with. */
export type ThreadOrder =
  | { readonly id: number; readonly kind: 'layer'; readonly job: LayerJob }
  | { readonly id: number; readonly kind: 'top'; readonly job: TopOrder }
  | { readonly id: number; readonly kind: 'abort' }

export type ThreadAnswer = { readonly id: number } & (
  | { readonly result: LayerFacts | TopFacts }
  | { readonly code: string; readonly words: string }
)
