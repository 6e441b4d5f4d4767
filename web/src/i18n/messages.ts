/** English decides the keys; every other language has the same ones, apart from plural forms. */
type Stem<K> = K extends `${string}_one` ? never : K;

/** The texts another language must provide for the English texts T. */
export type Messages<T> = { readonly [K in keyof T as Stem<K>]: string };
