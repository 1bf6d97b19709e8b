/** On an answer of 503: nothing was done, so that asking elsewhere does nothing twice. */
export const UNTOUCHED_HEADER = 'narwhal-untouched'
