/**
 * With this code (RFC 6455, section 7.4.2) the server closes a websocket whose token is no longer valid.
 * It stands alone so that the page has it without the schemas.
 */
export const SIGNED_OUT_CODE = 4401
