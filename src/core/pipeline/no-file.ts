/**
 * Why a pipeline is skipped whose commit has no pipeline file. Stored with it, and compared by the store: never
 * to be changed.
 */
export const NO_FILE = 'no narwhal.yml'
