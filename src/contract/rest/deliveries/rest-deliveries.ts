import { z } from 'zod'
import { DISPOSITIONS, REFUSALS } from '../../../core/delivery/delivery-result.ts'
import { at, pipelineId } from '../views.ts'

/** A webhook delivery of a repository, or refused ones with the same reason. */
export const deliveryView = z
  .object({
    /** When it arrived, or the last one of those refused. */
    at,
    /** What it was about, as the forge called it: hostile text. */
    event: z.string().optional(),
    action: z.string().optional(),
    ref: z.string().optional(),
    result: z.enum([...DISPOSITIONS, 'refused']),
    /** Why nothing was built, or not yet. */
    reason: z.string().optional(),
    eventId: z.string().optional(),
    pipeline: z.object({ id: pipelineId, number: z.number().int().positive() }).optional(),
    /** Of refused ones. */
    refused: z
      .object({
        because: z.enum(REFUSALS),
        count: z.number().int().positive(),
        /** When the first one arrived. */
        firstAt: at,
      })
      .optional(),
  })
  .meta({ id: 'Delivery' })
export type DeliveryView = z.infer<typeof deliveryView>

/** Newest first. */
export const deliveryList = z.object({ deliveries: z.array(deliveryView) })
