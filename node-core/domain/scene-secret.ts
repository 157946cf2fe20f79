/** A scene with its secret, as the configuration writes it: `name:BASE32`. */
export const sceneSecret = /^[^\s/\\:\p{Cc}]{1,200}:[A-Z2-7]{1,200}=*$/iu;
