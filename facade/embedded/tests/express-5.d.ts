// The second version of Express that the embedded mode is tested with, under a name of its own.
declare module 'express-5' {
  export * from 'express';
  export { default } from 'express';
}
