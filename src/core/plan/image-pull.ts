/**
 * When a registry is asked about an image: `missing`, the default, only for one that is not on the runner; `always`
 * before each job; `never` not at all.
 */
export type ImagePull = 'always' | 'missing' | 'never'

export const IMAGE_PULLS = ['always', 'missing', 'never'] as const satisfies readonly ImagePull[]

/**
 * The variable of a job's login to registries among its secrets: so it follows their rules, but is for the runner
 * only, and no step gets it.
 */
export const REGISTRY_LOGIN = 'NARWHAL_REGISTRY_LOGIN'
