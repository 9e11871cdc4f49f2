package checkpoint

// LimitSize lowers the size beyond which journals go on no more, until the returned
// function is called.
func LimitSize(bytes int64) (undo func()) {
	before := maxBytes
	maxBytes = bytes
	return func() { maxBytes = before }
}

// Break makes every further write of the journal fail.
func (j *Journal) Break() error { return j.file.Close() }

// Size is that of the file, as far as it is good.
func (j *Journal) Size() int64 { return j.at }
