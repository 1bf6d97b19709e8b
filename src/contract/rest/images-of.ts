import type { AttemptView } from './views.ts'

interface ImageShown {
  readonly image: string
  readonly digest: string
}

/** The images that an attempt ran, without duplicates. */
export function imagesOf(attempt: Pick<AttemptView, 'phases'> | undefined): readonly ImageShown[] {
  const images = attempt?.phases.flatMap((phase) => phase.images ?? []) ?? []
  return [...new Map(images.map((one) => [`${one.image} ${one.digest}`, one])).values()]
}
