// Package tuple is the layout of a heap tuple: its header and the encoding of its attributes.
package tuple
