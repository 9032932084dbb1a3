// What openapi-typescript takes for the package `typescript`: version 7, with which this project is built, has no such
// API.
import { ts } from '@ts-morph/common';

export default ts;
