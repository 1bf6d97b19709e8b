/** An image that a job ran, and the digest that its name resolved to. */
export interface ImageRun {
  readonly image: string
  /** `sha256:…` */
  readonly digest: string
}

const DIGEST = /^[a-z0-9+._-]{1,32}:[0-9a-f]{32,128}$/
const LONGEST_NAME = 512
const MOST = 64

/** Keeps only well-formed entries within bounds: runners are not trusted. */
export function soundImages(images: readonly ImageRun[]): readonly ImageRun[] {
  return images
    .slice(0, MOST)
    .filter(({ image, digest }) => image.length <= LONGEST_NAME && DIGEST.test(digest))
    .map(({ image, digest }) => ({ image, digest }))
}
