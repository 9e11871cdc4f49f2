package dataset

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestGroups_AreNoFeature(t *testing.T) {
	drop := EncodeOptions{Missing: MissingDrop}
	for _, c := range []struct {
		name, text string
		o          EncodeOptions
		groups     []int32
		features   []string
	}{
		{"numbers", "g,a,y\n10,1,0\n9,2,1\n10,3,1\n", EncodeOptions{}, []int32{1, 0, 1}, []string{"a"}},
		{"numbers beside text", "g,a,c,y\n10,1,u,0\n9,2,v,1\n10,3,u,1\n", EncodeOptions{}, []int32{1, 0, 1}, []string{"a", "c=u", "c=v"}},
		{"text", "a,g,y\n1,q,0\n2,p,1\n3,q,1\n", EncodeOptions{}, []int32{1, 0, 1}, []string{"a"}},
		{"of the rows that are left", "a,g,y\n1,q,0\n,p,1\n3,q,1\n2,r,1\n", drop, []int32{1, 1, 2}, []string{"a"}},
	} {
		d, err := readString(c.text, ReadOptions{Encode: c.o, Group: "g"})
		require.NoError(t, err, c.name)
		require.Equal(t, c.groups, d.Groups, c.name)
		require.Equal(t, c.features, d.FeatureNames, c.name)
	}
	for text, want := range map[string]string{
		"a,c,y\n1,u,0\n2,v,1\n": `t.csv: there is no feature "g"; the features are "a", "c"`,
		"a,b,y\n1,2,0\n2,3,1\n": `t.csv: there is no feature "g"; the features are "a", "b"`,
		"g,y\nu,0\nv,1\n":       `t.csv: column "g": there is no other feature; a table needs at least one feature column`,
		"a,g,y\n1,u,0\n2,?,1\n": `t.csv:3: column "g": "?" stands for a missing value; every row needs a group: fill it in or drop the row`,
	} {
		_, err := readString(text, ReadOptions{Group: "g", Encode: EncodeOptions{Missing: MissingMean}})
		require.EqualError(t, err, want)
	}
}
